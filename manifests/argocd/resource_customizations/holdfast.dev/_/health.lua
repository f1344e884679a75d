-- Of every kind of holdfast.dev. A condition's message says what is so, why, and what to do, so it is passed on.
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function holds(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

local function answer(status, type)
  return {status = status, message = conditions[type].message or ""}
end

if obj.metadata.deletionTimestamp ~= nil then
  if holds("DeletionBlocked") then
    return answer("Degraded", "DeletionBlocked")
  end
  return {status = "Progressing", message = "It is being released or deleted"}
end

local ready = conditions["Ready"]
if ready == nil then
  return {status = "Progressing", message = "The operator hasn't seen it yet"}
end
local seen = obj.status.observedGeneration or ready.observedGeneration
if seen ~= nil and obj.metadata.generation ~= nil and seen < obj.metadata.generation then
  return {status = "Progressing", message = "The operator hasn't seen this edit yet"}
end
if holds("Paused") then
  return answer("Suspended", "Paused")
end
if holds("Stalled") then
  return answer("Degraded", "Stalled")
end
if ready.status == "True" then
  return answer("Healthy", "Ready")
end
-- What waits for room waits for a person to make some.
if holds("QuotaExceeded") then
  return answer("Degraded", "QuotaExceeded")
end
return answer("Progressing", "Ready")
