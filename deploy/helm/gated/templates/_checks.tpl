{{/* What a schema cannot say in a sentence. Called by the Deployment, which is always there. */}}
{{- define "gated.checks" -}}
{{- if gt (int .Values.replicas) 1 }}
{{- fail (printf "replicas is %d: one gated process watches one store, and two would decide twice; set 1, or 0 to stop the gate for a while" (int .Values.replicas)) }}
{{- end }}
{{- if and .Values.existingConfigMap .Values.config }}
{{- fail "existingConfigMap and config are both set: gated.yaml comes from one of them, so leave the other empty" }}
{{- end }}
{{- if not (or .Values.existingConfigMap (dig "sources" dict (.Values.config | default dict))) }}
{{- fail "config.sources is not set: gated must know which Prometheus to ask, for example --set config.sources.default.url=http://prometheus-operated.monitoring.svc:9090" }}
{{- end }}
{{- if and .Values.rules.existingConfigMap .Values.rules.files }}
{{- fail "rules.existingConfigMap and rules.files are both set: rule files come from one of them, so leave the other empty" }}
{{- end }}
{{- if include "gated.usesPostgresql" . }}
{{- $_ := required "store.postgresql.host is not set: name the PostgreSQL server" .Values.store.postgresql.host }}
{{- $_ := required "store.postgresql.existingSecret is not set: name a Secret that holds the password of PostgreSQL; values hold no passwords" .Values.store.postgresql.existingSecret }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- $_ := required "ingress.host is not set: name the host under which people and pipelines reach gated" .Values.ingress.host }}
{{- end }}
{{- end }}
