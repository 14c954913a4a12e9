"""The bell: tells people and machines elsewhere how a run went. It knows nothing of archives."""
