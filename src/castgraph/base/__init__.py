"""What every package may use: files, locks, logs, texts, times, model files and tables.

Nothing here knows what a broadcast, a face or a run is.
"""
