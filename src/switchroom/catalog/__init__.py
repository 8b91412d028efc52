"""The facts: which releases exist, which fit together, until when each is supported."""
