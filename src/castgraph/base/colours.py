"""The colours of everything that castgraph draws."""

PAPER = "#fbf9f4"
INK = "#22262b"
GREY = "#6b7178"  # of what is said in passing; on the paper it has a contrast of 4.7 to 1
RULE = "#dedace"
ACCENT = "#f5dc8f"
RED = "#c8202f"  # of what is doubtful
BLANK = "#d8dade"  # in the place of a picture that there is none of

CURVES = ("#2f6690", "#c8553d", "#588157", "#7d5ba6", "#a0651c", "#3a8d8d")
"""The colours of the curves of a chart, in order."""

COMMUNITIES = (
    "#d1495b", "#00798c", "#edae49", "#30638e", "#6a994e",
    "#8e5ea2", "#e07a3f", "#3d9a9b", "#b56576", "#7d6b4f",
)  # fmt: skip
"""The colours of the communities of a network, largest first."""

OTHER_COMMUNITY = "#8d99a6"
"""The colour of the communities that come after these."""
