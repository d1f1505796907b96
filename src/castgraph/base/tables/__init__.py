"""The tables of castgraph: their columns, and how they are written and read.

Every table is a Parquet file that carries its provenance: under the key ``castgraph`` of the file's metadata
lies a JSON object with the version, the stage, its settings and its counts, and nothing that differs
between two runs on the same input (no time, host or path), so equal input gives equal bytes.

``registry`` tells of each table where it lies, its key, its order and its columns; ``parquet`` reads and
writes any of them, and checks; ``embeddings``, ``labels``, ``members`` and ``replays`` do so for what
belongs to the merged faces; ``documents`` writes down what the registry says.
"""

from castgraph.base.tables.embeddings import (
    EMBEDDINGS,
    embedding_size,
    embeddings,
    embeddings_writer,
    open_embeddings,
)
from castgraph.base.tables.labels import NOISE, read_labels, write_labels
from castgraph.base.tables.members import LEFT_OUT, WHY, Members, read_members, write_members
from castgraph.base.tables.parquet import (
    ROW_GROUP,
    TableError,
    batches,
    by_broadcast,
    check,
    opened,
    provenance,
    read,
    read_provenance,
    runs,
    write,
    writer,
)
from castgraph.base.tables.registry import (
    APPEARANCES,
    BROADCASTS,
    CONSTRAINTS,
    EDGES,
    EMBEDDING_SIZE,
    FACES,
    FRAMES,
    GALLERY,
    LABELS,
    MEETINGS,
    MEMBERS,
    MERGED_FACES,
    MERGED_FRAMES,
    PEOPLE,
    PEOPLE_CHANGES,
    REPLAYS,
    SCREEN_TIME,
    SIGHTINGS,
    SUGGESTIONS,
    SWEEP,
    SWEEP_CHANGES,
    TABLES,
    Kind,
    encoded_faces,
)
from castgraph.base.tables.replays import Replayed, is_replayed, read_replayed, without_replays

__all__ = [
    "APPEARANCES",
    "BROADCASTS",
    "CONSTRAINTS",
    "EDGES",
    "EMBEDDINGS",
    "EMBEDDING_SIZE",
    "FACES",
    "FRAMES",
    "GALLERY",
    "LABELS",
    "LEFT_OUT",
    "MEETINGS",
    "MEMBERS",
    "MERGED_FACES",
    "MERGED_FRAMES",
    "NOISE",
    "PEOPLE",
    "PEOPLE_CHANGES",
    "REPLAYS",
    "ROW_GROUP",
    "SCREEN_TIME",
    "SIGHTINGS",
    "SUGGESTIONS",
    "SWEEP",
    "SWEEP_CHANGES",
    "TABLES",
    "WHY",
    "Kind",
    "Members",
    "Replayed",
    "TableError",
    "batches",
    "by_broadcast",
    "check",
    "embedding_size",
    "embeddings",
    "embeddings_writer",
    "encoded_faces",
    "is_replayed",
    "open_embeddings",
    "opened",
    "provenance",
    "read",
    "read_labels",
    "read_members",
    "read_provenance",
    "read_replayed",
    "runs",
    "without_replays",
    "write",
    "write_labels",
    "write_members",
    "writer",
]
