"""The HTTP process, put together: every route, and what stands around each request."""
