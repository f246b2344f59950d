import django.db.models.deletion
import django.db.models.functions.datetime
import evosense.core.crypto
import evosense.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0006_one_check_for_each_message'),
    ]

    operations = [
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=evosense.core.ids.uuid7, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('disconnected', 'Disconnected'), ('logged_out', 'Removed on the phone'), ('banned', 'Blocked by WhatsApp'), ('wrong_number', 'Another number was paired'), ('server_down', 'Server does not answer'), ('removed', 'Removed from the server'), ('webhook', 'Events do not arrive'), ('silence', 'Unexpected silence'), ('acks', 'Messages are not confirmed')], max_length=12)),
                ('severity', models.CharField(max_length=8)),
                ('code', models.CharField(blank=True, default='', max_length=60)),
                ('details', models.JSONField(default=dict)),
                ('started_at', models.DateTimeField()),
                ('detected_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('loss_from', models.DateTimeField(null=True)),
                ('loss_until', models.DateTimeField(null=True)),
                ('recovered', models.PositiveIntegerField(default=0)),
                ('told', models.JSONField(default=dict)),
                ('seen_by_user_id', models.BigIntegerField(null=True)),
                ('seen_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='messaging.connection')),
            ],
        ),
        migrations.CreateModel(
            name='GapRepair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=evosense.core.ids.uuid7, editable=False, unique=True)),
                ('reason', models.CharField(max_length=16)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10)),
                ('page', models.PositiveIntegerField(default=1)),
                ('pages', models.PositiveIntegerField(null=True)),
                ('seen', models.PositiveIntegerField(default=0)),
                ('missing', models.PositiveIntegerField(default=0)),
                ('recovered', models.PositiveIntegerField(default=0)),
                ('chats', models.PositiveIntegerField(default=0)),
                ('error', models.CharField(blank=True, default='', max_length=60)),
                ('actor_user_id', models.BigIntegerField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='repairs', to='messaging.connection')),
                ('incident', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='repairs', to='messaging.incident')),
            ],
        ),
        migrations.CreateModel(
            name='HealthLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(max_length=10)),
                ('check_type', models.CharField(choices=[('event', 'Event of the server'), ('probe', 'Active probe'), ('acks', 'Progress of receipts'), ('traffic', 'Expected traffic'), ('silence', 'Silence'), ('webhook', 'Webhook'), ('manual', 'By hand')], max_length=8)),
                ('response_ms', models.PositiveIntegerField(null=True)),
                ('error', models.CharField(blank=True, default='', max_length=60)),
                ('details', models.JSONField(default=dict)),
                ('checked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='messaging.connection')),
            ],
        ),
        migrations.CreateModel(
            name='Outgoing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=evosense.core.ids.uuid7, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('text', 'Text'), ('image', 'Image'), ('video', 'Video'), ('video_note', 'Video note'), ('audio', 'Audio'), ('voice', 'Voice message'), ('document', 'Document'), ('sticker', 'Sticker'), ('location', 'Location'), ('contact', 'Contact'), ('poll', 'Poll'), ('list', 'List'), ('buttons', 'Buttons'), ('template', 'Template'), ('status', 'Status post'), ('reaction', 'Reaction'), ('edit', 'Edit'), ('delete', 'Deletion'), ('read', 'Read mark')], max_length=12)),
                ('payload', models.JSONField(default=dict)),
                ('content_hash', models.BinaryField(max_length=32, null=True)),
                ('preset_id', models.CharField(blank=True, default='', max_length=64)),
                ('source', models.CharField(choices=[('customer', 'Customer'), ('phone', 'Phone'), ('panel', 'Panel'), ('api', 'API'), ('dispatch', 'Dispatch'), ('flow', 'Flow')], default='panel', max_length=8)),
                ('actor_user_id', models.BigIntegerField(null=True)),
                ('api_key_id', models.BigIntegerField(null=True)),
                ('priority', models.PositiveSmallIntegerField(default=0)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed'), ('unknown', 'Outcome unknown'), ('dead', 'Given up'), ('cancelled', 'Cancelled')], default='queued', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('attempt_token', models.UUIDField(null=True)),
                ('next_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('holds_until', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('absences', models.PositiveSmallIntegerField(default=0)),
                ('absent_since', models.DateTimeField(null=True)),
                ('failure', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('sending_at', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='messaging.connection')),
                ('conversation', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='messaging.conversation')),
                ('message', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing', to='messaging.message')),
                ('target', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='acts', to='messaging.message')),
            ],
        ),
        migrations.CreateModel(
            name='OutgoingAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('act', models.CharField(default='send', max_length=8)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, default='', max_length=12)),
                ('code', models.CharField(blank=True, default='', max_length=40)),
                ('detail', models.CharField(blank=True, default='', max_length=300)),
                ('http_status', models.PositiveSmallIntegerField(null=True)),
                ('milliseconds', models.PositiveIntegerField(null=True)),
                ('outgoing', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='messaging.outgoing')),
            ],
        ),
        migrations.CreateModel(
            name='ComposerDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.BigIntegerField()),
                ('text', models.TextField(blank=True, default='')),
                ('uploads', models.JSONField(default=list)),
                ('quoted', models.UUIDField(null=True)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('conversation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='messaging.conversation')),
            ],
        ),
        migrations.CreateModel(
            name='NumberCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hmac', models.BinaryField(max_length=32, unique=True)),
                ('exists', models.BooleanField()),
                ('jid', evosense.core.crypto.EncryptedTextField(null=True)),
                ('lid', evosense.core.crypto.EncryptedTextField(null=True)),
                ('checked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('connection', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='messaging.connection')),
            ],
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=evosense.core.ids.uuid7, editable=False, unique=True)),
                ('storage_key', models.CharField(max_length=200)),
                ('thumb_key', models.CharField(blank=True, default='', max_length=200)),
                ('kind', models.CharField(max_length=12)),
                ('mime', models.CharField(max_length=120)),
                ('size', models.BigIntegerField()),
                ('name', models.CharField(blank=True, default='', max_length=255)),
                ('sha256', models.BinaryField(max_length=32)),
                ('seconds', models.PositiveIntegerField(null=True)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('actor_user_id', models.BigIntegerField(null=True)),
                ('api_key_id', models.BigIntegerField(null=True)),
                ('used_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='connection',
            name='allows_bulk',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='connected_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='disconnected_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='health',
            field=models.CharField(blank=True, db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='connection',
            name='health_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='health_signals',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='connection',
            name='health_streak',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='connection',
            name='instance_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='connection',
            name='is_default',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='connection',
            name='is_managed',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='connection',
            name='last_error',
            field=models.CharField(blank=True, db_default='', default='', max_length=60),
        ),
        migrations.AddField(
            model_name='connection',
            name='last_error_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='last_inbound_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='last_outbound_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='muted_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='next_retry_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='removed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='retry_count',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='connection',
            name='server_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='settings',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name='connection',
            name='wants_session',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='connection',
            name='webhook_checked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='webhook_state',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='failure',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='next_attempt_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='stored_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='thumb_key',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='messagemedia',
            name='waveform',
            field=models.JSONField(null=True),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='messaging_connection_one_default'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('used_at__isnull', True)), fields=['created_at'], name='messaging_upload_unused'),
        ),
        migrations.AddConstraint(
            model_name='composerdraft',
            constraint=models.UniqueConstraint(fields=('conversation', 'user_id'), name='messaging_composerdraft_unique'),
        ),
        migrations.AddIndex(
            model_name='healthlog',
            index=models.Index(fields=['connection', '-checked_at'], name='messaging_healthlog_recent'),
        ),
        migrations.AddIndex(
            model_name='healthlog',
            index=models.Index(fields=['checked_at'], name='messaging_healthlog_age'),
        ),
        migrations.AddConstraint(
            model_name='healthlog',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['healthy', 'degraded', 'down'])), name='messaging_healthlog_status_known'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['connection', '-started_at', '-id'], name='messaging_incident_recent'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['-started_at', '-id'], name='messaging_incident_newest'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('connection', 'kind'), name='messaging_incident_one_open'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(('severity__in', ['degraded', 'down'])), name='messaging_incident_severity_known'),
        ),
        migrations.AddIndex(
            model_name='gaprepair',
            index=models.Index(fields=['connection', '-id'], name='messaging_gaprepair_recent'),
        ),
        migrations.AddConstraint(
            model_name='gaprepair',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'running'])), fields=('connection',), name='messaging_gaprepair_one_active'),
        ),
        migrations.AddConstraint(
            model_name='gaprepair',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'done', 'failed', 'cancelled'])), name='messaging_gaprepair_state_known'),
        ),
        migrations.AddIndex(
            model_name='outgoing',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['connection', 'priority', 'id'], name='messaging_outgoing_waiting'),
        ),
        migrations.AddIndex(
            model_name='outgoing',
            index=models.Index(condition=models.Q(('state__in', ['sending', 'unknown'])), fields=['connection', 'next_at'], name='messaging_outgoing_open'),
        ),
        migrations.AddIndex(
            model_name='outgoing',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'sending', 'unknown'])), fields=['conversation', 'id'], name='messaging_outgoing_order'),
        ),
        migrations.AddIndex(
            model_name='outgoing',
            index=models.Index(condition=models.Q(('state__in', ['failed', 'dead', 'unknown'])), fields=['-id'], name='messaging_outgoing_given_up'),
        ),
        migrations.AddConstraint(
            model_name='outgoing',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'sending', 'sent', 'failed', 'unknown', 'dead', 'cancelled'])), name='messaging_outgoing_state_known'),
        ),
        migrations.AddConstraint(
            model_name='outgoing',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'sending')), fields=('connection',), name='messaging_outgoing_one_in_flight'),
        ),
        migrations.AddConstraint(
            model_name='outgoing',
            constraint=models.UniqueConstraint(condition=models.Q(('preset_id', ''), _negated=True), fields=('connection', 'preset_id'), name='messaging_outgoing_preset_unique'),
        ),
        migrations.AddConstraint(
            model_name='outgoingattempt',
            constraint=models.UniqueConstraint(fields=('outgoing', 'act', 'number'), name='messaging_outgoingattempt_unique'),
        ),
    ]
