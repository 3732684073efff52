"""The Faust app: `faust -A agents.app worker -l info` runs it. One agent a role; routes are data."""

from agents.routing import routing
from router.worker import router_app

ROLES = {"routing": routing}

app = router_app()

for role in app.router_settings.roles:
    app.agent(app.broad_topics, name=f"agents.{role}")(ROLES[role])
