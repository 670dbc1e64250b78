"""The arrows of the design, held with `ast`: who may import whom, and who builds objects."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cityllm", "tools", "finetune", "evals")
OURS = {*PACKAGES, "app", "tests", "scripts"}

# A layer may import those further down, and itself.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"app", "cityllm.cli", "cityllm.cli_api_key", "cityllm.cli_corpus",
               "cityllm.cli_decisions",
               "cityllm.cli_overview", "cityllm.cli_policy", "cityllm.cli_policy_draft",
               "cityllm.cli_policy_office",
               "cityllm.cli_triage", "cityllm.doctor", "cityllm.terminal",
               "cityllm.triage_terminal"}),
    frozenset({"cityllm.web"}),
    frozenset({"cityllm.agent", "cityllm.petitions", "cityllm.policies"}),
    frozenset({"cityllm.corpus", "cityllm.model", "cityllm.safety"}),
    frozenset({"cityllm.evidence", "cityllm.config", "cityllm.errors", "cityllm.messages",
               "cityllm.prompts"}),
)
EDGE = LAYERS[0]
BUILT_AT_THE_EDGE = {  # and in the file that defines it
    "Ledger.open": "cityllm.corpus.ledger", "open_search": "cityllm.corpus.search",
    "Accounts": "cityllm.safety.access", "Assistant": "cityllm.agent.assistant",
    "EmbeddedModel": "cityllm.model.embedded", "Vault": "cityllm.safety.vault",
    "Review": "cityllm.petitions.review",
    "Publications": "cityllm.policies.drafting.publish",
    "load_settings": "cityllm.config"}
TOOL_DOORS = {"cityllm.agent.toolbox", "cityllm.agent.choices"}
HEAVY = {"torch", "chromadb", "transformers", "duckdb", "uxsim", "gradio", "sentence_transformers",
         "matplotlib", "pandas", "sklearn", "peft", "bm25s", "numba", "fastapi", "uvicorn",
         "langchain_openai", "polars", "docx", "pypdf", "openpyxl", "sqlalchemy"}
SOURCES = sorted(path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py"))
SOURCES += [ROOT / "app.py"]
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Absolute names of imported modules; `from a import b` counts as `a.b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements that run when a module is imported: no function bodies, no type checking."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from at_import(getattr(node, part, []))


def level(name: str) -> int | None:
    for number, layer in enumerate(LAYERS):
        if any(name == member or name.startswith(member + ".") for member in layer):
            return number
    return None


def group(name: str) -> str:
    return ".".join(name.split(".")[:2])


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_arrows_point_one_way(path: Path) -> None:
    own = module(path)
    mine = level(own)
    for name in imports(ast.walk(tree(path))):
        top = name.split(".")[0]
        if own.startswith(("finetune", "evals")) or top not in OURS:
            continue
        assert top not in {"finetune", "evals", "tests", "scripts"}, f"{own} imports {name}"
        if own.startswith("tools"):
            assert top == "tools", f"tools/ knows nothing of the program, but {own} imports {name}"
        elif top == "tools":
            assert own in TOOL_DOORS, f"{own} imports {name}"
        elif name.startswith("cityllm.") and own != "cityllm":
            theirs = level(name)
            assert theirs is not None, f"{name} stands in no layer"
            assert mine is not None, f"{own} stands in no layer"
            same = group(own) == group(name) or mine in (0, len(LAYERS) - 1)
            assert theirs > mine or (theirs == mine and same), f"{own} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_vllm_is_a_process_and_openai_has_one_door(path: Path) -> None:
    own = module(path)
    for name in imports(ast.walk(tree(path))):
        top = name.split(".")[0]
        assert top != "vllm", own
        if top in {"openai", "langchain_openai"}:
            assert own == "cityllm.model.endpoint", f"{own} imports {name}"


def product(*, with_edge: bool) -> list[Path]:
    return [p for p in SOURCES if p.parts[len(ROOT.parts)] in ("cityllm", "tools", "app.py")
            and (with_edge or module(p) not in EDGE)]


@pytest.mark.parametrize("path", product(with_edge=False), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_edge_builds_objects_and_reads_the_environment(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            maker = BUILT_AT_THE_EDGE.get(called, module(path))
            assert maker == module(path), f"line {node.lineno} builds {called}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
            assert module(path) in {"cityllm.config", "cityllm.safety.telemetry"}, node.lineno


@pytest.mark.parametrize("path", product(with_edge=True), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    loaded = {name.split(".")[0] for name in imports(at_import(tree(path).body))}
    subject = {"cityllm.web": {"gradio", "fastapi"}, "cityllm.model": {"langchain_openai"}}
    assert not loaded & (HEAVY - subject.get(group(module(path)), set()))


def test_every_package_imported_is_pinned_and_every_pin_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {pin.split("==")[0] for pin in project["dependencies"]}
    extra = {pin.split("==")[0].split("[")[0] for pins in project["optional-dependencies"].values()
             for pin in pins}
    assert all("==" in pin for pin in project["dependencies"])
    named = {"argon2": "argon2-cffi", "bs4": "beautifulsoup4", "docx": "python-docx",
             "markdown_it": "markdown-it-py", "pint": "Pint",
             "sentence_transformers": "sentence-transformers", "sklearn": "scikit-learn",
             "yaml": "PyYAML"}
    used = {name.split(".")[0] for path in SOURCES for name in imports(ast.walk(tree(path)))}
    used |= {name.split(".")[0] for path in (ROOT / "tests").rglob("*.py")
             for name in imports(ast.walk(tree(path)))}
    foreign = {named.get(name, name.replace("_", "-")) for name in used - OURS
               if name not in sys.stdlib_module_names
               and not (ROOT / "tests" / f"{name}.py").exists()}
    assert sorted(foreign - core - extra) == [], "imported, but not pinned in pyproject.toml"
    # Behind langchain-openai, bm25s and SQLAlchemy: pinned for what they decide.
    silent = {"openai", "numba", "pg8000"}
    assert sorted(core - foreign - silent) == [], "pinned in pyproject.toml, but not imported"
