"""What a run left, and whether it still is that. Nothing here knows how a run is made."""
