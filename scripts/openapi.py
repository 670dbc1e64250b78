"""Print the API's own description (OpenAPI 3.1) without starting a server."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Of the default pack, or of the one that CITYLLM_PACK names."""
    from app import policy_service
    from cityllm.config import load_settings
    from cityllm.safety.database import Database
    from cityllm.web.api import make_api

    service = policy_service(load_settings())
    if service is None:
        raise SystemExit("这个城市包没有政策。 This pack has no policies.")
    with tempfile.TemporaryDirectory() as home:
        api = make_api(service, Database(Path(home)), lambda _name: "admin")
        print(json.dumps(api.openapi(), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
