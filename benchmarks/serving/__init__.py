"""How a bundle's server does: against the bare session, against other servers, under load, and at its ends."""
