"""What was said: the transcripts of broadcasts, and the words that stand out beside people.

``beside`` tells which file is the transcript of a broadcast, ``obtain`` fetches or reads it, ``cues`` takes
it apart, ``check`` holds its times against the frames and ``utterances`` makes the tables of a run. ``text``
finds words in any script, ``search`` a phrase; ``odds`` weighs words, and ``words`` does so for people and
pairs. All that comes from outside is taken as hostile.
"""
