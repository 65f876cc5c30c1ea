# The part of nixpkgs' `lib` that the module and the stubs use, made anew for tests: nixpkgs is not to be had here. It does
# what its manual says of these functions, and no more: types check little, and errors are terse. It was compared with the
# real one (26.11pre, June 2026): with POSTERN_NIX_LIB=FOLDER the tests take that.
let
  inherit (builtins)
    attrNames
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    genList
    isList
    isString
    length
    listToAttrs
    map
    match
    replaceStrings
    split
    stringLength
    substring
    ;

  # Strings and lists.
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      rest = stringLength text - stringLength suffix;
    in
    rest >= 0 && substring rest (-1) text == suffix;
  hasInfix = infix: text: length (split (escapeRegex infix) text) > 1;
  escapeRegex = replaceStrings [ "\\" "." "+" "(" ")" "[" "{" "^" "$" "|" "?" "*" ] [
    "\\\\" "\\." "\\+" "\\(" "\\)" "\\[" "\\{" "\\^" "\\$" "\\|" "\\?" "\\*"
  ];
  removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  splitString = separator: text: filter isString (split (escapeRegex separator) text);
  concatStrings = concatStringsSep "";
  concatMapStrings = f: list: concatStrings (map f list);
  concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: list: if condition then list else [ ];
  optionalString = condition: text: if condition then text else "";
  optionalAttrs = condition: attrs: if condition then attrs else { };
  toList = value: if isList value then value else [ value ];
  last = list: elemAt list (length list - 1);
  unique = foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ];
  imap1 = f: list: genList (index: f (index + 1) (elemAt list index)) (length list);
  escapeShellArg =
    value:
    if match "[[:alnum:],._+:@%/-]+" (toString value) != null then
      toString value
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] (toString value)}'";
  letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  toLower = replaceStrings (genList (index: substring index 1 letters) 26) (
    genList (index: substring index 1 "abcdefghijklmnopqrstuvwxyz") 26
  );

  # Attribute sets.
  nameValuePair = name: value: { inherit name value; };
  filterAttrs = test: attrs: removeAttrs attrs (filter (name: !test name attrs.${name}) (attrNames attrs));
  mapAttrsToList = f: attrs: map (name: f name attrs.${name}) (attrNames attrs);
  mapAttrs' = f: attrs: listToAttrs (mapAttrsToList f attrs);
  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);

  self = import ./modules.nix self // {
    inherit
      concatLists
      concatMap
      concatMapStrings
      concatMapStringsSep
      concatStrings
      concatStringsSep
      elem
      escapeShellArg
      filterAttrs
      genAttrs
      hasInfix
      hasPrefix
      hasSuffix
      imap1
      last
      length
      mapAttrs'
      mapAttrsToList
      nameValuePair
      optional
      optionalAttrs
      optionalString
      optionals
      removePrefix
      splitString
      toList
      toLower
      unique
      ;
    inherit (builtins) all any;
    literalExpression = text: text;
    licenses.gpl3Only = "GPL-3.0-only";
    sourceTypes.binaryNativeCode = "binaryNativeCode";
  };
in
self
