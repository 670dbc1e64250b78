"""Write docs/cli.md from the program itself: every command's help, every setting. See `make docs`.

With `--check` nothing is written; the exit code says whether the page is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
sys.path.insert(0, str(ROOT))

HEAD = """# Commands and settings

Made by `make docs` from the program's own help. After `make run`, the command is
`.venv/bin/cityllm` (or `source .venv/bin/activate`, then `cityllm`). Errors are said in Chinese and
English on standard error, with exit code 1.
"""


def commands(group: object, path: str) -> list[str]:
    """A section for each command below a click group, depth first."""
    import typer.core

    lines: list[str] = []
    assert isinstance(group, typer.core.TyperGroup)
    mark = "#" * (path.count(" ") + 2)
    for name, command in group.commands.items():
        full = f"{path} {name}"
        about = (command.help or "").strip()
        if isinstance(command, typer.core.TyperGroup):
            lines += [f"{mark} {full}", "", about, "", *commands(command, full)]
            continue
        shown = [p for p in command.params if p.name != "help"]
        lines += [f"{mark} `{' '.join([full, *map(usage, shown)])}`", "", about, ""]
        lines += [f"- `{usage(p).strip('[]')}`: {str(getattr(p, 'help', '') or '').strip()}"
                  for p in shown]
        lines += [""] if shown else []
    return lines


def usage(parameter: object) -> str:
    """A parameter as it is written on the line: `NAME`, `[--as-of DATE]`, `PATHS...`."""
    import typer.core

    assert isinstance(parameter, typer.core.TyperArgument | typer.core.TyperOption)
    metavar = (parameter.metavar or str(parameter.name).upper()).strip("[]{}").removesuffix("...")
    if isinstance(parameter, typer.core.TyperArgument):
        shown = metavar + ("..." if parameter.nargs == -1 else "")
    else:
        flag = max(parameter.opts, key=len)
        shown = flag if parameter.is_flag else f"{flag} {metavar}"
    return shown if parameter.required else f"[{shown}]"


def settings() -> list[str]:
    """The table of settings, from the class that reads them."""
    from cityllm.config import PREFIX, ROOT, Settings

    lines = ["## Settings", "", "Environment variables; an unknown `CITYLLM_` name is refused.", "",
             "| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = str(field.default if field.default is not None else "").replace(f"{ROOT}/", "")
        words = " ".join((field.description or "").split())
        lines.append(f"| `{PREFIX}{name.upper()}` | `{default}` | {words} |")
    lines += ["| `CITYLLM_TORCH` | `` | Read by `make run` and `make test` only: `gpu` installs "
              "the build of torch with CUDA, `cpu` the one without; empty decides by itself. |", ""]
    return lines


def page() -> str:
    """The whole of docs/cli.md."""
    from typer.main import get_command

    from cityllm.cli import app

    lines = [HEAD, *commands(get_command(app), "cityllm"), *settings()]
    return "\n".join(lines)


def main() -> None:
    """Write the page, or with `--check` compare it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") != text:
            raise SystemExit("docs/cli.md is not up to date: run make docs")
        return
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
