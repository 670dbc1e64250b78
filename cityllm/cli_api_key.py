"""`cityllm api-key`: who may call the API from elsewhere."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cityllm.config import load_settings

if TYPE_CHECKING:
    from cityllm.safety.api_keys import ApiKeys

app = typer.Typer(no_args_is_help=True, help="API 密钥。 Keys of the API.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="密钥的名称 Name of the key")]


@app.command()
def add(
    name: Name,
    scope: Annotated[list[str], typer.Option(
        metavar="SCOPE", help="权限，可多次 Scope, repeatable: policies | match | enterprises.read | "
                              "enterprises.write | metrics")],
    per_minute: Annotated[int, typer.Option(
        metavar="N", help="每分钟可用的次数 Requests a minute")] = 600,
) -> None:
    """建立密钥；只显示这一次。 Make a key; it is shown this once."""
    key = _keys().add(name, scope, per_minute)
    typer.echo(f"{key}\n请现在保存，以后不再显示。 Keep it now: it is not shown again.")


@app.command("list")
def list_() -> None:
    """列出密钥的名称和权限。 List names and scopes."""
    for key in _keys().list():
        typer.echo(f"{key.name}\t{' '.join(key.scopes)}\t{key.per_minute}/min\t"
                   f"{date.fromtimestamp(key.made)}")


@app.command()
def remove(name: Name) -> None:
    """撤销密钥，立即生效。 Take a key away, at once."""
    _keys().remove(name)
    typer.echo(f"已撤销密钥 {name}。 Key removed.")


def _keys() -> ApiKeys:
    from cityllm.safety.api_keys import ApiKeys
    from cityllm.safety.database import Database

    settings = load_settings()
    return ApiKeys(Database(settings.home, settings.database_url))
