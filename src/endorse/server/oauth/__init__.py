"""What third parties call: requests for access, tokens, and what this server says of itself."""
