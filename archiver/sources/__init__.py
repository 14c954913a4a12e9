"""The delivery bay: the places that publish audio."""
