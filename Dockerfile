# One image, many roles: the command of each service in docker-compose.yml chooses.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN useradd --uid 10001 --create-home evosense \
 && mkdir -p /app /var/lib/evosense/spool /var/lib/evosense/receiver /var/lib/evosense/media \
 && chown -R evosense /var/lib/evosense
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=evosense.settings.base \
    RECEIVER_SPOOL_DIR=/var/lib/evosense/spool \
    RECEIVER_STATE_DIR=/var/lib/evosense/receiver \
    MEDIA_ROOT=/var/lib/evosense/media
# Collecting static files reads no secret; throw-away values satisfy the settings.
RUN SECRET_KEY=$(head -c 60 /dev/urandom | base64 -w0) \
    EVOSENSE_DATA_KEYS=k1:$(head -c 32 /dev/urandom | base64 -w0) \
    EVOSENSE_HMAC_KEY=$(head -c 32 /dev/urandom | base64 -w0) \
    PUBLIC_HOST=build.invalid DATABASE_URL=postgres://build.invalid/x REDIS_URL=redis://build.invalid \
    python manage.py collectstatic --noinput
USER 10001
EXPOSE 8000
CMD ["uvicorn", "evosense.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log"]
