"""`python -m evals MEASURE …`: each measure is a file of this folder with a `main(argv) -> int`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from cityllm.errors import CityLLMError
from cityllm.safety.telemetry import switch_off

HERE = Path(__file__).parent


def measures() -> list[str]:
    """The names that may stand after `python -m evals`."""
    return sorted(path.stem for path in HERE.glob("*.py")
                  if not path.stem.startswith("_") and "def main(" in path.read_text("utf-8"))


def main(argv: list[str]) -> int:
    """Run one measure; its exit code, or 2 when there is none of that name."""
    name, rest = (argv[0] if argv else ""), argv[1:]
    if name not in measures():
        print(f"没有测量项 {name!r}。可用的有：{'、'.join(measures())}。\n"
              f"There is no measure {name!r}. Allowed: {', '.join(measures())}.", file=sys.stderr)
        return 2
    switch_off()
    try:
        return int(import_module(f"evals.{name}").main(rest) or 0)
    except CityLLMError as problem:
        print(f"{problem.zh}\n{problem.en}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
