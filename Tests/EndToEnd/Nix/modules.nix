# The module system of `lib`: definitions with properties, types, options, and modules.
lib:

let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isPath
    isString
    length
    map
    mapAttrs
    match
    split
    tail
    ;
  inherit (lib)
    genAttrs
    hasPrefix
    optional
    toList
    unique
    ;

  # Properties of definitions.
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };
  isType = type: value: isAttrs value && value._type or "" == type;

  # A definition's properties pushed down to its attributes.
  push =
    value:
    if isType "merge" value then
      concatMap push value.contents
    else if isType "if" value then
      map (mapAttrs (_: mkIf value.condition)) (push value.content)
    else if isType "override" value then
      map (mapAttrs (_: mkOverride value.priority)) (push value.content)
    else
      [ value ];

  # The values that hold, of definitions of one option.
  discharge =
    value:
    if isType "merge" value then
      concatMap discharge value.contents
    else if isType "if" value then
      (if value.condition then discharge value.content else [ ])
    else
      [ value ];
  priority = value: if isType "override" value then value.priority else 100;
  order = value: if isType "order" value then value.priority else 1000;
  content = type: value: if isType type value then value.content else value;
  least = foldl' (one: other: if other < one then other else one);
  inForce =
    values:
    let
      highest = least 9999 (map priority values);
      kept = map (content "override") (filter (value: priority value == highest) values);
    in
    map (content "order") (builtins.sort (one: other: order one < order other) kept);

  # Types: how definitions become a value.
  type =
    name: check: merge: {
      _type = "option-type";
      inherit name check merge;
      join = _: type name check merge;
    };
  one =
    name: check:
    type name check (
      place: values:
      if builtins.all (value: value == head values) values then
        head values
      else
        throw "${place}: definitions that contradict each other"
    );
  bounded = low: high: value: isInt value && value >= low && value <= high;
  anything = type "anything" (_: true) (
    place: values: if builtins.all isAttrs values then foldl' (all: value: all // value) { } values else head values
  );
  attrsOf =
    inner:
    type "attrsOf" isAttrs (
      place: values:
      let
        pushed = concatMap push values;
        names = unique (concatMap attrNames pushed);
        of = name: map (set: set.${name}) (filter (set: set ? ${name}) pushed);
        live = filter (name: concatMap discharge (of name) != [ ]) names;
      in
      genAttrs live (name: merged "${place}.${name}" inner (of name))
    )
    // {
      join = other: attrsOf (inner.join other.inner);
      inherit inner;
    };
  submodule =
    modules:
    let
      list = toList modules;
    in
    type "submodule" (value: isAttrs value || isFunction value) (
      place: values:
      (evalModules {
        inherit place;
        modules = list ++ map (value: if isFunction value then value else { config = value; }) values;
        specialArgs.name = builtins.elemAt (filter isString (split "\\." place)) (
          length (filter isString (split "\\." place)) - 1
        );
      }).config
    )
    // {
      join = other: submodule (list ++ other.modules);
      modules = list;
    };
  types = {
    bool = one "bool" isBool;
    int = one "int" isInt;
    str = one "str" isString;
    float = one "float" builtins.isFloat;
    strMatching = pattern: one "strMatching" (value: isString value && match pattern value != null);
    port = one "port" (bounded 0 65535);
    path = one "path" (value: isPath value || (isString value && hasPrefix "/" value));
    package = one "package" (value: isAttrs value || isString value);
    singleLineStr = one "singleLineStr" (value: isString value && match "[^\n]*" value != null);
    lines = type "lines" isString (_: concatStringsSep "\n");
    listOf =
      inner:
      type "listOf" isList (
        place: values:
        concatMap (concatMap (value: map (live: merged place inner [ live ]) (discharge value))) values
      );
    nonEmptyListOf = inner: types.listOf inner // { check = value: isList value && value != [ ]; };
    nullOr =
      inner:
      type "nullOr" (value: value == null || inner.check value) (
        place: values: if builtins.all (value: value == null) values then null else inner.merge place values
      );
    either =
      left: right:
      type "either" (value: left.check value || right.check value) (
        place: values: (if builtins.all left.check values then left else right).merge place values
      );
    oneOf = list: foldl' types.either (head list) (tail list);
    enum = words: one "enum" (value: elem value words);
    unspecified = anything;
    inherit anything attrsOf submodule;
  };

  merged =
    place: type: definitions:
    let
      values = inForce (concatMap discharge definitions);
      wrong = filter (value: !type.check value) values;
    in
    if values == [ ] then
      throw "the option ${place} is used and has no value"
    else if wrong != [ ] then
      throw "the option ${place} has a value that is no ${type.name}"
    else
      type.merge place values;

  # Options.
  mkOption = attrs: attrs // { _type = "option"; };
  mkEnableOption =
    what:
    mkOption {
      type = types.bool;
      default = false;
      description = "Whether to enable ${what}.";
    };

  joined =
    place: one: other:
    if isType "option" one && isType "option" other then
      one // other // { type = one.type.join other.type; }
    else if isType "option" one || isType "option" other then
      throw "the option ${place} is declared with options below it"
    else
      one
      // mapAttrs (name: value: if one ? ${name} then joined "${place}.${name}" one.${name} value else value) other;

  evalModules =
    {
      modules,
      specialArgs ? { },
      place ? "",
    }:
    let
      args = specialArgs // {
        inherit config options;
        inherit lib;
      };
      load =
        module:
        let
          loaded = if isPath module || isString module then import module else module;
          set = if isFunction loaded then loaded args else loaded;
        in
        concatMap load (set.imports or [ ])
        ++ [
          {
            options = set.options or { };
            config =
              set.config or (if set ? options then { } else removeAttrs set [ "imports" "_file" "key" ]);
          }
        ];
      loaded = concatMap load modules;
      options = foldl' (joined place) { } (map (module: module.options) loaded);
      valued =
        place: options: configs:
        let
          pushed = concatMap push configs;
          known = attrNames options;
          stray = filter (name: !elem name known) (concatMap attrNames pushed);
          of = name: map (set: set.${name}) (filter (set: set ? ${name}) pushed);
          value =
            name:
            let
              option = options.${name};
              here = "${place}.${name}";
              default = optional (option ? default) (mkOverride 1500 option.default);
            in
            if isType "option" option then
              (option.apply or (value: value)) (merged here option.type (of name ++ default))
            else
              valued here option (of name);
        in
        if stray != [ ] then
          throw "there is no option ${place}.${head stray}"
        else
          genAttrs known value;
      config = valued place options (map (module: module.config) loaded);
    in
    {
      inherit config options;
    };
in
{
  inherit
    evalModules
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    mkOrder
    mkOverride
    types
    ;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;
}
