"""Facts of HTTP: origins, header fields, bounded bodies and time limits on sockets. Nothing here knows OAuth."""
