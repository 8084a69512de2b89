"""What each service has in the demo company."""
