"""`python -m benchmarks` says which measurements there are; `python -m benchmarks.NAME --help` says more of one."""

import ast
from pathlib import Path


def main() -> None:
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        tree = ast.parse(file.read_text())
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body):
            print(f"{file.stem:24} {(ast.get_docstring(tree) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
