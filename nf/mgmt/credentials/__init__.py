"""Keys of the function and certificates of those whom it trusts, for every front end."""
