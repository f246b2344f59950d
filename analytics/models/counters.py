from django.db import models


class MessageHour(models.Model):
    """Messages of one connection and direction in one hour; always derivable from the messages.

    The hour is one of the tenant's clock, so that days add up in zones with half hours too. There
    are no zero rows, and no relation: counters outlive what they count.
    """

    connection_id = models.BigIntegerField()
    hour = models.DateTimeField()
    direction = models.CharField(max_length=8)
    count = models.PositiveIntegerField()
    conversations = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "connection_id", "direction"],
                name="analytics_messagehour_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["inbound", "outbound"]),
                name="analytics_messagehour_direction_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.hour:%Y-%m-%d %H} {self.direction}"
