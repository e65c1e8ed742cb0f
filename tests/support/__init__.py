"""What the tests are made with: databases, a checking client, a live portal, a browser."""
