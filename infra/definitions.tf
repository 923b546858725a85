# What tables.json, queues.json and functions.json say, in the form that the resources want. Rust reads the
# same files, so a table, a queue or a path is written down once.
locals {
  folder    = coalesce(var.definitions, path.module)
  functions = jsondecode(file("${local.folder}/functions.json"))
  queues    = jsondecode(file("${local.folder}/queues.json"))

  tables = {
    for table in jsondecode(file("${local.folder}/tables.json")).tables : table.name => {
      partition_key = table.partitionKey
      sort_key      = try(table.sortKey, null)
      ttl           = try(table.ttl, null)
      indexes = [
        for index in try(table.indexes, []) : {
          name          = index.name
          partition_key = index.partitionKey
          sort_key      = try(index.sortKey, null)
          projection    = index.projection
        }
      ]
    }
  }

  # By name without prefix: `sends-0.fifo`, `sends-1.fifo`, …, `commands-0`, …
  queue = merge([
    for queue in local.queues.queues : {
      for shard in try(queue.perShard, false) ? [for n in range(local.queues.shards) : "-${n}"] : [""] :
      "${queue.name}${shard}${queue.fifo ? ".fifo" : ""}" => {
        family             = queue.name
        fifo               = queue.fifo
        visibility_timeout = queue.visibilityTimeoutSeconds
        retention          = queue.retentionSeconds
        max_receive_count  = try(queue.deadLetter.maxReceiveCount, null)
        dead_letter_name   = "${queue.name}${shard}-dead${queue.fifo ? ".fifo" : ""}"
      }
    }
  ]...)

  dead_letter_queue = {
    for name, queue in local.queue : queue.dead_letter_name => merge(queue, { source = name })
    if queue.max_receive_count != null
  }

  # A role may use a family's queues of every shard: their names as one pattern keep policies small.
  queue_pattern = {
    for queue in local.queues.queues :
    queue.name => "${queue.name}${try(queue.perShard, false) ? "-*" : ""}${queue.fifo ? ".fifo" : ""}"
  }

  function = {
    for function in local.functions.functions : function.name => {
      trigger  = function.trigger
      paths    = try(function.paths, [])
      schedule = try(function.schedule, null)
      sources  = try(function.sources, {})
      media    = try(function.media, [])
      # API Gateway waits 30 s at most.
      timeout = try(function.timeoutSeconds, 29)
      memory  = try(function.memoryMb, 256)
      tables = {
        for table in distinct(concat(keys(try(function.tables, {})), keys(local.http_tables[function.trigger]))) :
        table => sort(distinct(concat(
          try(function.tables[table], []),
          try(local.http_tables[function.trigger][table], []),
        )))
      }
      queues = try(function.queues, {})
    }
    if !contains(var.functions_off, function.name)
  }

  # What serves HTTP authenticates its caller, counts the call and writes it down.
  http_tables = {
    http     = local.functions.everyHttpFunction.tables
    stream   = local.functions.everyHttpFunction.tables
    schedule = {}
    queue    = {}
  }

  connector = {
    tables = local.functions.connector.tables
    queues = local.functions.connector.queues
    media  = try(local.functions.connector.media, [])
  }
}
