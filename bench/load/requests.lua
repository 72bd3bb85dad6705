-- What wrk sends: requests of a file, at random or each once. Arguments: see describe() in load.ts.
-- One line of JSON at the end says what came of it.

local ffi = require('ffi')
ffi.cdef [[
  struct timespec { long tv_sec; long tv_nsec; };
  int clock_gettime(int clock, struct timespec *now);
]]
local now = ffi.new('struct timespec')
local function milliseconds()
  ffi.C.clock_gettime(1, now)
  return tonumber(now.tv_sec) * 1e3 + tonumber(now.tv_nsec) / 1e6
end

local threads = {}
local requests = {}
local order, count, position, sentAt = 'random', 0, 0, 0
-- Three characters of a body that are another number each time, so that its length remains.
local varied = '{n}'

function setup(thread)
  table.insert(threads, thread)
  thread:set('number', #threads)
end

function init(args)
  local targets, tokensFile, method, contentType, body = args[1], args[2], args[3], args[5], args[6]
  order = args[4]
  isVaried = body:find(varied, 1, true) ~= nil
  local tokens = {}
  for token in io.lines(tokensFile) do table.insert(tokens, token) end
  for line in io.lines(targets) do
    local token, path = line:match('^(%d+) (.*)$')
    local headers = { Authorization = 'Bearer ' .. tokens[tonumber(token)] }
    if body ~= '' then headers['Content-Type'] = contentType end
    table.insert(requests, wrk.format(method, path, headers, body ~= '' and body or nil))
  end
  count = #requests
  math.randomseed(os.time() + number)
  shed, served, withoutRetryAfter, retryAfter = {}, {}, 0, 0
  -- A watched load has one connection per thread, so each response belongs to the last request.
  if args[7] == 'watched' then response, delay = watch, wait end
end

function request()
  sentAt = milliseconds()
  position = order == 'random' and math.random(count) or position % count + 1
  if isVaried then return (requests[position]:gsub(varied, math.random(100, 999))) end
  return requests[position]
end

function watch(status, headers)
  local took = milliseconds() - sentAt
  if status ~= 503 then return table.insert(served, took) end
  table.insert(shed, took)
  local seconds
  for name, value in pairs(headers) do seconds = seconds or (name:lower() == 'retry-after' and tonumber(value)) end
  if seconds then retryAfter = seconds * 1000 else withoutRetryAfter = withoutRetryAfter + 1 end
end

-- Waits as Retry-After says, which unwatched loads do not.
function wait()
  local milliseconds = retryAfter
  retryAfter = 0
  return milliseconds
end

local function describe(name)
  local all = {}
  for _, thread in ipairs(threads) do
    for _, took in ipairs(thread:get(name)) do table.insert(all, took) end
  end
  table.sort(all)
  local at = function(part) return all[math.max(1, math.ceil(#all * part))] or 0 end
  return string.format('{"count":%d,"p50":%.3f,"p99":%.3f,"max":%.3f}', #all, at(0.5), at(0.99), at(1))
end

function done(summary, latency)
  local errors = summary.errors
  local lacking = 0
  for _, thread in ipairs(threads) do lacking = lacking + thread:get('withoutRetryAfter') end
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.4f,"p99":%.4f,"refused":%d,"broken":%d,"shed":%s,"served":%s,"withoutRetryAfter":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    describe('shed'), describe('served'), lacking))
end
