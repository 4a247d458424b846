{{- define "gated.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for the longest suffix the chart adds. */}}
{{- define "gated.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "gated.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gated.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gated.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gated.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Not what the Service selects by. */}}
{{- define "gated.testLabels" -}}
app.kubernetes.io/name: {{ include "gated.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gated.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gated.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: release-gate
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gated.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "gated.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "gated.image" -}}
{{- $repository := required "image.repository is not set: name the image of gated that your cluster can pull, for example --set image.repository=registry.example/gated" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "gated.configMapName" -}}
{{- .Values.existingConfigMap | default (printf "%s-config" (include "gated.fullname" .)) }}
{{- end }}

{{- define "gated.rulesMapName" -}}
{{- .Values.rules.existingConfigMap | default (printf "%s-rules" (include "gated.fullname" .)) }}
{{- end }}

{{- define "gated.claimName" -}}
{{- .Values.store.sqlite.existingClaim | default (include "gated.fullname" .) }}
{{- end }}

{{- define "gated.usesPostgresql" -}}
{{- if eq .Values.store.kind "postgresql" }}true{{ end }}
{{- end }}

{{- define "gated.store" -}}
{{- if include "gated.usesPostgresql" . }}
{{- $postgresql := .Values.store.postgresql }}
{{- $parameters := list }}
{{- range $name, $value := $postgresql.parameters }}
{{- $parameters = append $parameters (printf "%s=%s" $name (urlquery $value)) }}
{{- end }}
{{- $query := $parameters | join "&" }}
url: {{ printf "postgresql+psycopg://%s@%s:%d/%s" (urlquery $postgresql.user) $postgresql.host (int $postgresql.port) $postgresql.database }}{{ if $query }}?{{ $query }}{{ end }}
password_file: {{ printf "/etc/gated/secrets/%s/%s" $postgresql.existingSecret $postgresql.passwordKey }}
{{- else }}
{{- "sqlite:////var/lib/gated/gated.db" }}
{{- end }}
{{- end }}

{{- define "gated.externalUrl" -}}
{{- if and .Values.ingress.enabled .Values.ingress.host }}
{{- printf "%s://%s" (ternary "https" "http" (ne .Values.ingress.tlsSecret "")) .Values.ingress.host }}
{{- end }}
{{- end }}

{{/* gated.yaml: what the chart decides, then what config says. */}}
{{- define "gated.config" -}}
listen: {{ printf "%s:9911" .Values.listenHost | quote }}
rules: [/etc/gated/rules/]
{{- if include "gated.usesPostgresql" . }}
store:
  {{- include "gated.store" . | nindent 2 }}
{{- else }}
store: {{ include "gated.store" . }}
{{- end }}
{{- $config := .Values.config }}
{{- with include "gated.externalUrl" . }}
{{- $config = merge (dict) $config (dict "external_url" .) }}
{{- end }}
{{ toYaml $config }}
{{- end }}

{{/* The rule files. Their own braces are theirs: nothing in them is a template. */}}
{{- define "gated.rules" -}}
{{- .Values.rules.files | default (dict "starter.yaml" (.Files.Get "files/rules/starter.yaml")) | toYaml }}
{{- end }}

{{/* Every Secret that is mounted, once. */}}
{{- define "gated.secrets" -}}
{{- $names := .Values.secretMounts }}
{{- if include "gated.usesPostgresql" . }}
{{- $names = append $names .Values.store.postgresql.existingSecret }}
{{- end }}
{{- $names | uniq | join " " }}
{{- end }}

{{- define "gated.volumeMounts" -}}
- name: config
  mountPath: /etc/gated/config
  readOnly: true
- name: rules
  mountPath: /etc/gated/rules
  readOnly: true
{{- range $at, $name := include "gated.secrets" . | splitList " " | compact }}
- name: secret-{{ $at }}
  mountPath: /etc/gated/secrets/{{ $name }}
  readOnly: true
{{- end }}
{{- if not (include "gated.usesPostgresql" .) }}
- name: state
  mountPath: /var/lib/gated
{{- end }}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gated.volumes" -}}
- name: config
  configMap:
    name: {{ include "gated.configMapName" . }}
- name: rules
  configMap:
    name: {{ include "gated.rulesMapName" . }}
{{- range $at, $name := include "gated.secrets" . | splitList " " | compact }}
- name: secret-{{ $at }}
  secret:
    secretName: {{ $name }}
    defaultMode: 0440 # gated warns of a secret that everybody may read
{{- end }}
{{- if not (include "gated.usesPostgresql" .) }}
- name: state
  {{- if .Values.store.sqlite.persistence }}
  persistentVolumeClaim:
    claimName: {{ include "gated.claimName" . }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
