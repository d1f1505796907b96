"""Texts that a spreadsheet takes for a formula, or that would begin one in the next cell."""

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠SUM(A1)", "﹢1", "\t=1", "\n=1", "\r＝1", " =1",
    "\u3000＝1",
]  # fmt: skip


def guarded(text: str) -> str:
    """The text as it has to stand in a cell."""
    return f"'{text}".replace("\r", "\n")
