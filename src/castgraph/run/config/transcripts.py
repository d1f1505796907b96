"""The section ``transcripts``: what was said."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import Distinct, Section, matching

Language = Annotated[str, matching(r"[a-z]{2,3}", "two or three small letters (ISO 639), such as ru")]


class Transcripts(Section):
    """What was said, where there are transcripts; those beside recordings are taken in any case."""

    fetch: bool = Field(
        False,
        description="Fetch the transcripts that lie beside the ZIPs, `{ID}.transcript.srt`, else the English "
        "`{ID}.transcript.en.srt`. The `.srt` or `.vtt` that lies beside a recording and has its name is "
        "taken in any case.",
    )
    prefer: Distinct[Language] | None = Field(
        None,
        description="Languages, such as `[en]`, whose transcripts are taken where there are several. `null` "
        "takes the one whose name tells no language, which is that of the broadcast.",
    )
    language: Language | None = Field(
        None,
        description="The language of transcripts whose names do not tell it, such as `ru`; `null` where it "
        "is not known. It says which stop words are left out of the words that stand out.",
    )
