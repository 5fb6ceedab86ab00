import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "routing", "resolution", "followup")
ROOMS = {
    "__init__",
    "__main__",
    "api",
    "app",
    "events",
    "handlers",
    "ports",
    "settings",
    "storage",
    "domain",
    "migrations",
}
OWN_ROOMS = {
    "intake": {"channels", "mail"},
    "routing": {"classifier", "worker"},
    "resolution": set(),
    "followup": set(),
}
SOURCES = [
    path
    for top in ("services", "shared", "plaint")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "versions" not in path.parts
]


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(node):
    """Lines of a function without its docstring and the blank lines around it."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_module_is_longer_than_400_lines():
    long = {
        str(path.relative_to(ROOT)): count for path in SOURCES if (count := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_functions_are_short():
    lengths = sorted(lines_of(node) for path in SOURCES for node in functions(path))
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_no_function_is_longer_than_60_lines():
    """The functions that make a router hold its routes and count as one module's worth of small functions."""
    long = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in functions(path)
        if lines_of(node) > 60
        and not any(isinstance(inner, ast.AsyncFunctionDef) for inner in ast.walk(node) if inner is not node)
    ]
    assert long == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service):
    folder = ROOT / "services" / service
    found = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and (p / "__init__.py").exists())}
    assert found - OWN_ROOMS[service] == ROOMS


@pytest.mark.parametrize("service", SERVICES)
def test_handlers_have_no_name_for_commit_publish_retry_or_clock(service):
    where = ROOT / "services" / service
    paths = [where / "handlers.py"] if (where / "handlers.py").exists() else list((where / "handlers").rglob("*.py"))
    text = "".join(path.read_text() for path in paths)
    assert paths
    assert not re.search(r"\b(async def|await|commit\(|sleep\(|datetime\.now|utcnow|time\.time|random\.)", text)


def test_import_rules_hold():
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_readme_names_only_commands_that_exist():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", readme)) <= targets
    assert "make demo" in readme


def test_links_in_documents_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
        broken += [f"{page.relative_to(ROOT)}: {target}" for target in targets if not (page.parent / target).exists()]
    assert broken == []


def test_the_product_names_no_machine():
    """No path of a machine and no package index: a user has the repository alone."""
    bad = re.compile(r"(?<![\w.:])/(?:root|home|work|Users)/")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("services", "shared", "plaint", "docs", "deploy")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".toml", ".json", ".yml"} and bad.search(path.read_text())
    ]
    assert found == []
