"""The adapter for httpx, httpx2 and libraries that look like them."""
