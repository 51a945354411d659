"""`lenshub-edge check`: tries everything the agent needs, and says in words what is wrong."""
