"""The Faust app of one migration's mirror: `router migrate run` runs a process of it for each that is under way."""

from agents.routing import routing
from router.mirror_worker import mirror_app

app = mirror_app()

app.agent(app.broad_topics, name="agents.mirror")(routing)
