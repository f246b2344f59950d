"""The atomic steps of the fair ring.

Keys of a kind K:

g:fair:K:ring      list of tenants with work and a free slot, next first
g:fair:K:inring    the same as a set
g:fair:K:deficit   tenant -> items it may still have in this turn
g:fair:K:weight    tenant -> items a turn
g:fair:K:running   tenant -> slots taken
g:fair:K:size      tenant -> items not finished; `all` -> the sum
g:fair:K:held      item -> its text, while leased
g:fair:K:leases    item -> when the lease ends
g:fair:K:slots     items that take a slot
g:fair:K:dead      texts of given-up items
t:<tenant>:fair:K  the tenant's waiting items
t:<tenant>:fair:K:calls  task -> how many of its items wait that say no more than "look"
"""

_COMMON = """
local kind = ARGV[1]
local function key(name) return 'g:fair:' .. kind .. ':' .. name end
local function list(tenant) return 't:' .. tenant .. ':fair:' .. kind end
local function calls(tenant) return list(tenant) .. ':calls' end
local function append(tenant, text)
  local item = cjson.decode(text)
  if item.call then redis.call('HINCRBY', calls(tenant), item.task, 1) end
  redis.call('RPUSH', list(tenant), text)
end
local function count_down(hash, field)
  if redis.call('HINCRBY', key(hash), field, -1) > 0 then return false end
  redis.call('HDEL', key(hash), field)
  return true
end
local function enter(tenant)
  if redis.call('LLEN', list(tenant)) > 0 and redis.call('SADD', key('inring'), tenant) == 1 then
    redis.call('RPUSH', key('ring'), tenant)
  end
end
local function leave(tenant)
  redis.call('LPOP', key('ring'))
  redis.call('SREM', key('inring'), tenant)
end
local function release(item, tenant)
  if redis.call('SREM', key('slots'), item) == 1 then
    count_down('running', tenant)
  end
end
local function tenant_of(item)
  local text = redis.call('HGET', key('held'), item)
  return text and cjson.decode(text).tenant, text
end
local function forget(item, tenant)
  redis.call('ZREM', key('leases'), item)
  redis.call('HDEL', key('held'), item)
  release(item, tenant)
end
-- Edited in place instead of encoded again: cjson would turn an empty object into a list.
local function with_attempts(text, by)
  local attempts = cjson.decode(text).attempts + by
  text = string.gsub(text, '"attempts": %-?%d+}$', '"attempts": ' .. attempts .. '}')
  return text, attempts
end
local function shrink(tenant)
  count_down('size', 'all')
  if count_down('size', tenant) then
    redis.call('HDEL', key('weight'), tenant)
    redis.call('HDEL', key('deficit'), tenant)
  end
end
"""

PUSH = (
    _COMMON
    + """
local tenant, text, weight, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if most > 0 then
  local waiting = redis.call('HGET', calls(tenant), cjson.decode(text).task)
  if tonumber(waiting or 0) >= most then return 0 end
end
append(tenant, text)
redis.call('HSET', key('weight'), tenant, weight)
redis.call('HINCRBY', key('size'), tenant, 1)
redis.call('HINCRBY', key('size'), 'all', 1)
enter(tenant)
return 1
"""
)

# A tenant at its cap leaves the ring and comes back when a slot is free, so that a turn costs the
# same however many tenants are at theirs.
TAKE = (
    _COMMON
    + """
local lease_end, cap = tonumber(ARGV[2]), tonumber(ARGV[3])
while true do
  local tenant = redis.call('LINDEX', key('ring'), 0)
  if not tenant then return false end
  local running = tonumber(redis.call('HGET', key('running'), tenant) or 0)
  if redis.call('LLEN', list(tenant)) == 0 then
    leave(tenant)
    redis.call('HDEL', key('deficit'), tenant)
  elseif running >= cap then
    leave(tenant)
  else
    local left = tonumber(redis.call('HGET', key('deficit'), tenant) or 0)
    if left < 1 then left = left + tonumber(redis.call('HGET', key('weight'), tenant) or 1) end
    left = left - 1
    redis.call('HSET', key('deficit'), tenant, left)
    if left < 1 then redis.call('LMOVE', key('ring'), key('ring'), 'LEFT', 'RIGHT') end
    local text = redis.call('LPOP', list(tenant))
    local body = cjson.decode(text)
    local item = body.id
    if body.call and redis.call('HINCRBY', calls(tenant), body.task, -1) < 1 then
      redis.call('HDEL', calls(tenant), body.task)
    end
    redis.call('HSET', key('held'), item, text)
    redis.call('ZADD', key('leases'), lease_end, item)
    redis.call('SADD', key('slots'), item)
    redis.call('HINCRBY', key('running'), tenant, 1)
    return text
  end
end
"""
)

FINISH = (
    _COMMON
    + """
local item = ARGV[2]
local tenant = tenant_of(item)
if not tenant then return 0 end
forget(item, tenant)
shrink(tenant)
enter(tenant)
return 1
"""
)

POSTPONE = (
    _COMMON
    + """
local item, until_time = ARGV[2], ARGV[3]
local tenant, text = tenant_of(item)
if not tenant then return 0 end
redis.call('HSET', key('held'), item, (with_attempts(text, -tonumber(ARGV[4]))))
redis.call('ZADD', key('leases'), until_time, item)
release(item, tenant)
enter(tenant)
return 1
"""
)

EXTEND = (
    _COMMON
    + """
return redis.call('ZADD', key('leases'), 'XX', 'CH', ARGV[3], ARGV[2])
"""
)

REAP = (
    _COMMON
    + """
local now, limit = ARGV[2], ARGV[3]
local most, kept = tonumber(ARGV[4]), tonumber(ARGV[5])
local items = redis.call('ZRANGEBYSCORE', key('leases'), '-inf', now, 'LIMIT', 0, limit)
for _, item in ipairs(items) do
  local tenant, text = tenant_of(item)
  if not text then
    redis.call('ZREM', key('leases'), item)
  else
    forget(item, tenant)
    local attempts
    text, attempts = with_attempts(text, 1)
    if attempts >= most then
      redis.call('LPUSH', key('dead'), text)
      redis.call('LTRIM', key('dead'), 0, kept - 1)
      shrink(tenant)
    else
      append(tenant, text)
    end
    enter(tenant)
  end
end
return #items
"""
)

FORGET = (
    _COMMON
    + """
local tenant, gone = ARGV[2], redis.call('LLEN', list(ARGV[2]))
redis.call('DEL', list(tenant), calls(tenant))
redis.call('LREM', key('ring'), 0, tenant)
redis.call('SREM', key('inring'), tenant)
for _ = 1, gone do shrink(tenant) end
for _, text in ipairs(redis.call('LRANGE', key('dead'), 0, -1)) do
  if cjson.decode(text).tenant == tenant then
    gone = gone + redis.call('LREM', key('dead'), 1, text)
  end
end
return gone
"""
)
