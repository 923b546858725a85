output "api_url" {
  description = "Where the REST API is: its paths begin with /v1."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "events_urls" {
  description = "Where events are streamed, by function."
  value       = { for name, url in aws_lambda_function_url.this : name => url.function_url }
}

output "prefix" {
  description = "In front of the names of tables and queues: KURIR_PREFIX."
  value       = var.prefix
}

output "functions" {
  description = "The functions' names, for `aws lambda` and `aws logs tail`."
  value       = { for name, function in aws_lambda_function.this : name => function.function_name }
}

output "media_bucket" {
  description = "The bucket of media."
  value       = aws_s3_bucket.media.bucket
}

output "master_key_secret" {
  description = "The secret that holds KURIR_MASTER_KEY. Keep a copy elsewhere: without it nothing can be restored."
  value       = aws_secretsmanager_secret.master_key.arn
}

output "alarms_topic" {
  description = "Where alarms go; subscribe to it."
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "connector" {
  description = "Cluster, service and image of the connector."
  value = var.connector ? {
    cluster = aws_ecs_cluster.this[0].name
    service = aws_ecs_service.connector[0].name
    image   = local.connector_image
  } : null
}

output "connector_policy" {
  description = "What a connector that runs elsewhere must be allowed."
  value       = local.policy["connector"]
}

output "push_connector" {
  description = "How a release of the connector gets to ECR; run it in the repository's root."
  value = var.connector && var.connector_image == null ? join("\n", [
    "aws ecr get-login-password --region ${var.region} | docker login --username AWS --password-stdin ${split("/", local.connector_image)[0]}",
    "docker build --platform linux/${var.architecture == "arm64" ? "arm64" : "amd64"} --build-arg VERSION=${var.connector_release} --file connector/Dockerfile --tag ${local.connector_image} .",
    "docker push ${local.connector_image}",
  ]) : null
}
