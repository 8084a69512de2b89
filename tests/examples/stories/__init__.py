"""What one service adds to the run through the API: `tell(story)` of each module is called, in the order of names."""
