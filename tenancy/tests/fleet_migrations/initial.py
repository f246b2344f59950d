import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=40, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Parcel",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("weight", models.IntegerField()),
                (
                    "shelf",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="messaging.shelf"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["weight"],
                        name="parcel_heavy",
                        condition=models.Q(weight__gt=50),
                    )
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(weight__gte=0), name="parcel_weighs")
                ],
            },
        ),
    ]
