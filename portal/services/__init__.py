"""What the business does: verbs over (session, arguments). No Flask here, and no commit."""
