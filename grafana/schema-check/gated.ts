// What the committed dashboards are held against: Grafana's own types, without the places where those accept anything.
//
// @grafana/schema types a panel's options, field settings and queries as unknown records, because they belong to plugins.
// Here a panel is one of the five kinds we use, each with the options of its own plugin, and every query is Prometheus'.
// Options may be left out: Grafana fills in their defaults when it loads a dashboard.

import type * as grafana from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON holds the values of enums, not their members. Optional fields may be left out of whatever depth.
type Json<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer Value extends number}`
      ? Value
      : never
    : T extends boolean | null | undefined
      ? T
      : T extends ReadonlyArray<infer Item>
        ? Json<Item>[]
        : T extends object
          ? { [Key in keyof T]: Json<T[Key]> }
          : T;

type Chosen = { type: 'prometheus'; uid: '${datasource}' };

interface Query {
  datasource: Chosen;
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  legendFormat?: string;
  range: boolean;
  refId: string;
}

// `options` of the transformation in use; the schema leaves them open.
interface Organize {
  id: 'organize';
  options: {
    excludeByName: Record<string, boolean>;
    indexByName: Record<string, number>;
    renameByName: Record<string, string>;
  };
}

type Defaults<Custom> = Omit<grafana.FieldConfig, 'custom'> & { unit: string; custom?: Partial<Custom> };

type PanelOf<Type extends string, Options, Custom> = Json<
  Omit<grafana.Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource' | 'transformations'>
> & {
  type: Type;
  title: string;
  description: string;
  datasource: Chosen;
  gridPos: Json<grafana.GridPos>;
  id: number;
  options: Json<Partial<Options>>;
  fieldConfig: { defaults: Json<Defaults<Custom>>; overrides: Json<grafana.FieldConfigSource['overrides']> };
  targets: Query[];
  transformations?: Organize[];
};

type Panel =
  | PanelOf<'bargauge', bargauge.Options, object>
  | PanelOf<'stat', stat.Options, object>
  | PanelOf<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;

type Row = Json<Omit<grafana.RowPanel, 'panels'>> & { panels: [] };

// The fields of Grafana's Prometheus data source, which the schema does not know.
type Annotation = Json<Omit<grafana.AnnotationQuery, 'target' | 'datasource'>> & {
  datasource: Chosen;
  expr: string;
  step: string;
  textFormat: string;
  titleFormat: string;
};

export type GatedDashboard = Json<Omit<grafana.Dashboard, 'panels' | 'annotations' | 'templating'>> & {
  annotations: { list: Annotation[] };
  panels: (Panel | Row)[];
  templating: { list: Json<grafana.VariableModel>[] };
};
