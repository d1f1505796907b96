"""What docs/law-and-ethics.md says, in short: it has to be where the faces are."""

LAW = (
    "This page shows faces of real people and tells where they were on the screen. It is personal data, "
    "and in many places biometric data were needed to make it. That somebody is seen on television does "
    "not make that free to use. What follows is not legal advice: ask those who are responsible where you "
    "work.",
    "No person here was recognised. A person is a group of faces that a machine found alike; names come "
    "from people who compared pictures, and they err as well. Never take a resemblance, or this page "
    "alone, for an identification.",
    "Two people who look alike can be taken for one, and one for two. One wrong face puts somebody beside "
    "people whom he or she never met. Before you report a pair, look at its frames: one person, the right "
    "person, in the studio rather than in a clip, on a screen or on a poster?",
    "Errors are not spread evenly: whoever belongs to a group that the models tell apart less well bears "
    "more of the harm.",
    "That two people share the screen does not say that they met, know each other or agree. Who is "
    "missing here may have been seen: faces that are small or turned away are not found.",
    "Hosts and politicians act in public; audiences, passers-by, victims and children do not. Do not pass "
    "this page on where that would expose them. Whoever makes it can leave people out, forget them, ship "
    "named people only, and have all other faces blurred in the pictures.",
    "The frames and what is said in them are others' broadcasts: mind copyright and the terms of the "
    "archive. Delete this folder when the study is done.",
)
"""Paragraphs of the page “about”."""
