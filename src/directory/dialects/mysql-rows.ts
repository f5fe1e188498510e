import { type Static, Type } from "@sinclair/typebox";

export const optionalText = Type.Union([Type.String(), Type.Null()]);
export const MysqlColumns = Type.Array(
  Type.Object({
    name: Type.String(),
    type: Type.String(),
    base: Type.String(),
    charset: optionalText,
    characters: optionalText,
    bytes: optionalText,
    collation: optionalText,
    nullable: Type.Union([Type.Literal("YES"), Type.Literal("NO")]),
    byDefault: optionalText,
    extra: Type.String(),
    comment: Type.String(),
  }),
);
export type MysqlColumn = Static<typeof MysqlColumns>[number];

export const MysqlConstraints = Type.Array(Type.Object({ name: Type.String(), clause: Type.String() }));
export type MysqlConstraint = Static<typeof MysqlConstraints>[number];
