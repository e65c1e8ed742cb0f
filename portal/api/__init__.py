"""The three API families. Each only translates: authentication, names, number texts, errors."""
