from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "control_plane.campaigns"
    label = "campaigns"
