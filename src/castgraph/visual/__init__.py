"""Frames as wholes: what is in the picture, which pictures are alike, and finding one.

``embedder`` is the seam behind which whatever turns pictures into numbers stands: ``lite0``, which comes with
castgraph, ``clip``, ``vertex`` and ``onnx``, a network of the user's own. ``embed`` does one broadcast.
``groups`` joins what is alike over a run, ``search`` finds, ``sheets``, ``maps`` and ``storyboard`` draw.
"""
