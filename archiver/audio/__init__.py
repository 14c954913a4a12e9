"""The listening room: identify, decode, read tags, derive. The only room with PyAV, mutagen, pydub and soundfile."""
