"""What documents itself: OpenAPI, AsyncAPI, resources, refusals, pages."""
