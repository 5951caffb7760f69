"""`python -m benchmarks` lists the benchmarks; `python -m benchmarks.NAME --help` explains one."""

import ast
from pathlib import Path


def main() -> None:
    here = Path(__file__).parent
    for file in sorted([*here.glob("[a-z]*.py"), *here.glob("*/__main__.py")]):
        tree = ast.parse(file.read_text())
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body):
            name = file.parent.name if file.stem == "__main__" else file.stem
            print(f"{name:24} {(ast.get_docstring(tree) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
