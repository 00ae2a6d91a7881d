"""The table as the manual shows it.

python -m nf.mgmt.legacy.documenting docs/mmt.md      writes it anew, between its marks
"""

import sys
from pathlib import Path

from nf.mgmt.legacy.mapping import ROWS, TITLED, Option, Row

__all__ = ["main", "table"]

BEGIN = "<!-- table: python -m nf.mgmt.legacy.documenting docs/mmt.md -->\n"
END = "<!-- end of table -->\n"


def table() -> str:
    """Every option with its node, in Markdown."""
    lines = [
        "| option | MMT-Probe's default (shipped) | node | remark |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        for option in row.options:
            nodes = "<br>".join(f"`{_path(row, path)}`" for path in row.paths) or "-"
            needs = f"needs `{row.feature}`" if row.feature else ""
            remark = "; ".join(one for one in (row.instead, needs) if one)
            lines.append(f"| `{option.name}` | {_default(option)} | {nodes} | {remark} |")
    return "\n".join(lines) + "\n"


def _path(row: Row, path: str) -> str:
    """A path as `nf config` takes it, without modules."""
    above = TITLED.get(row.section)
    whole = f"{above}[NAME]/{path}" if above else path
    return "/".join(step.rpartition(":")[2] for step in whole.split("/"))


def _default(option: Option) -> str:
    default = f"`{option.default}`" if option.default != "-" else "-"
    return f"{default} (`{option.shipped}`)" if option.shipped else default


def main(file: str) -> int:
    """Writes the table in a file anew."""
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
