"""The signer: a process of its own that alone holds private keys. The portal asks it over a Unix socket.

It signs what its policy allows and the portal's own records approve, keeps a journal of all it signed, and never gives a
key away: there is no request for one. Run it with `python -m portal.adapters.signer`; see docs/signer.md.
"""
