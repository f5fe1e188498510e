import { type Static, Type } from "@sinclair/typebox";
import { nullableText } from "../nullable-text.ts";

export const MysqlColumns = Type.Array(
  Type.Object({
    name: Type.String(),
    type: Type.String(),
    base: Type.String(),
    charset: nullableText,
    characters: nullableText,
    bytes: nullableText,
    collation: nullableText,
    nullable: Type.Union([Type.Literal("YES"), Type.Literal("NO")]),
    byDefault: nullableText,
    extra: Type.String(),
    comment: Type.String(),
  }),
);
export type MysqlColumn = Static<typeof MysqlColumns>[number];

export const MysqlConstraints = Type.Array(Type.Object({ name: Type.String(), clause: Type.String() }));
export type MysqlConstraint = Static<typeof MysqlConstraints>[number];
